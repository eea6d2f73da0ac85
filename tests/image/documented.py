"""The blocks of commands in a page of docs/, which tests run."""

import re
import textwrap
from dataclasses import dataclass

NOT_TESTED = "not-tested:"
_COMMAND = re.compile(r"(docker|make|maas-init|maas-region|healthcheck|supervisorctl|sudo|git) \S")


@dataclass
class Block:
    number: int
    lines: list[str]

    @property
    def tested(self) -> list[str]:
        return [line for line in self.lines if NOT_TESTED not in line]

    @property
    def not_tested(self) -> list[str]:
        return [line for line in self.lines if NOT_TESTED in line]


def blocks(text: str, language: str = "sh") -> list[Block]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.M | re.S)
    return [
        Block(number, textwrap.dedent(block).splitlines())
        for number, (_, block) in enumerate(found, 1)
    ]


def unproven(text: str) -> list[str]:
    """Return the commands between words that are in no block that runs, and do not say why.

    One with … in it only speaks of others.
    """
    run_somewhere = "\n".join(line for block in blocks(text) for line in block.tested)
    words = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.M | re.S)
    found = []
    for match in re.finditer(r"`([^`\n]+)`", words):
        command, after = match[1], words[match.end() : match.end() + 30].replace("\n", " ")
        complete = command.replace("maas-init apply", "docker compose exec maas maas-init apply")
        if not _COMMAND.match(command) or "…" in command:
            continue
        if command not in run_somewhere and complete not in run_somewhere:
            found.append((command, after.startswith(f" ({NOT_TESTED} ")))
    excused = {command for command, has_reason in found if has_reason}
    return [command for command, _ in found if command not in excused]
