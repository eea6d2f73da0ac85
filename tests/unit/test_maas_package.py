from pathlib import Path

from maas_init import maas_package

STATUS = """\
Package: maas-common
Status: install ok installed
Version: 9.9

Package: maas-region-api
Status: install ok installed
Architecture: all
Version: 1:3.5.13+standin
Description: x
 Version: 0

Package: zlib
Version: 1
"""


def test_the_version_of_the_region_s_package(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(STATUS)
    assert maas_package.version(status) == "1:3.5.13+standin"
    status.write_text("Package: zlib\nVersion: 1\n")
    assert maas_package.version(status) == "not installed"
    assert maas_package.version(tmp_path / "missing") == "not installed"
