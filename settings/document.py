"""Writes `.env.example`, `docs/configuration.md` and README's table from the declarations.

`python -m settings.document` in the repository writes them; a test compares them.
"""

import textwrap
from pathlib import Path

from settings.compose import COMPOSE_VARIABLES
from settings.declaration import Declaration, declarations

# Between these, README has the table of settings.
TABLE_BEGIN = "<!-- made by python -m settings.document -->"
TABLE_END = "<!-- end -->"
_REGION_EXAMPLE = """\
# --- MAAS's own settings, by MAAS's names ---
# `maas-init apply` sets them at each start; see docs/operations.md.
#MAAS_SETTING_maas_name=home
#MAAS_SETTING_upstream_dns=192.0.2.1
#MAAS_SETTING_ntp_servers=ntp.example.com
#MAAS_SETTING_completed_intro=true
#MAAS_SETTING_enable_analytics=false
"""
_REGION_HELP = """\
MAAS's own settings, such as `upstream_dns`, stand here as `MAAS_SETTING_<name>` with MAAS's name
(`MAAS_SETTING_upstream_dns=192.0.2.1`), or as `MAAS_SETTING_<name>_FILE` in a file. After each
start `maas-init apply` brings MAAS to them: [operations.md](operations.md#maass-own-settings). An
empty one leaves MAAS's value alone.
"""


def env_example() -> str:
    """Return the text of `.env.example`."""
    head = (
        "# Copy this file to .env (chmod 600 .env), set the lines that have no # before them,\n"
        "# and run: docker compose up -d\n"
        "# A value that holds a $ must stand in single quotes.\n"
        "# A secret may stand in a file instead: mount it and set NAME_FILE to its path in the\n"
        "# container (MAAS_ADMIN_PASSWORD_FILE, POSTGRES_PASSWORD_FILE). Both containers read the\n"
        "# database's password, as UID 568 and POSTGRES_UID: mount it into both at one path.\n"
    )
    parts = [head, *(_env_entry(d.name, d.example, _help(d), _needed(d)) for d in declarations())]
    parts.append(_REGION_EXAMPLE)
    parts.append("# --- For compose.yaml itself ---\n")
    parts += (_env_entry(name, example, help, False) for name, example, help in COMPOSE_VARIABLES)
    return "\n".join(parts)


def configuration() -> str:
    """Return the text of `docs/configuration.md`."""
    lines = [
        "# Settings",
        "",
        "Generated from `settings/declaration.py` by `python -m settings.document`.",
        "An empty variable counts as not set. A secret is read from the variable or, when",
        "`NAME_FILE` is set instead, from the file of that path in the container.",
        "",
        "| variable | default | secret | meaning | example |",
        "|---|---|---|---|---|",
    ]
    for d in declarations():
        secret = "yes" if d.secret else ""
        lines.append(f"| `{d.name}` | {_default(d)} | {secret} | {d.help} | `{d.example}` |")
    lines += ["", *_REGION_HELP.splitlines()]
    lines += [
        "",
        "For `compose.yaml` itself:",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, default, help in COMPOSE_VARIABLES:
        lines.append(f"| `{name}` | {f'`{default}`' if default else 'none'} | {help} |")
    return "\n".join(lines) + "\n"


def readme(text: str) -> str:
    """Return README's text with the table of settings in it made anew."""
    head, _, rest = text.partition(TABLE_BEGIN)
    _, _, tail = rest.partition(TABLE_END)
    lines = [TABLE_BEGIN, "| variable | default | meaning |", "|---|---|---|"]
    lines += [f"| `{d.name}` | {_default(d)} | {d.help} |" for d in declarations()]
    return head + "\n".join([*lines, TABLE_END]) + tail


def _default(setting: Declaration) -> str:
    if setting.default:
        return f"`{setting.default}`"
    return "required" if setting.required else "none"


def _needed(setting: Declaration) -> bool:
    return setting.required or setting.name == "MAAS_ADMIN_PASSWORD"


def _help(setting: Declaration) -> str:
    return setting.help + (f" Default: {setting.default}." if setting.default else "")


def _env_entry(name: str, example: str, help: str, needed: bool) -> str:
    comment = textwrap.fill(help, 96, initial_indent="# ", subsequent_indent="# ")
    return f"{comment}\n{'' if needed else '#'}{name}={example}\n"


def main() -> None:
    """Write the files in the current directory."""
    Path(".env.example").write_text(env_example(), encoding="utf-8")
    Path("docs/configuration.md").write_text(configuration(), encoding="utf-8")
    overview = Path("README.md")
    overview.write_text(readme(overview.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
