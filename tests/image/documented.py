"""The blocks of commands in a page of docs/, which tests run."""

import re
import textwrap
from dataclasses import dataclass

NOT_TESTED = "not-tested:"


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
