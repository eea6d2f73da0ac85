"""rsyslog's file (maas-region-run.md 1, 7.4; maas-versions.md 0.11).

Everything goes to the journal. As another user than root rsyslogd refuses the file as it is: it
cannot give up privileges that it does not have.
"""

from __future__ import annotations

from provisioningserver import paths
from provisioningserver.files import atomic_write

from maasserver import configvalues

CONFIGURATION = """\
# Written by the stand-in for MAAS. Changes are lost.

module(load="imuxsock" SysSock.Name="{directory}/rsyslog/log.sock")

module(load="imtcp")
input(type="imtcp" port="{port}")

module(load="imudp")
input(type="imudp" port="{port}")

module(load="omjournal")

$RepeatedMsgReduction on
$FileOwner maas
$FileGroup maas
$FileCreateMode 0640
$DirCreateMode 0755
$Umask 0022
$PrivDropToUser maas
$PrivDropToGroup maas
$WorkDirectory {directory}/rsyslog

$ActionQueueType LinkedList       # wait in memory
$ActionResumeRetryCount -1        # for ever
$ActionQueueSaveOnShutdown on     # and on disk

# What MAAS's own programs say.
template(name="MAASjournal" type="list") {{
    constant(outname="MAAS_SOURCE" value="region")
    property(outname="PRIORITY" name="syslogseverity")
    property(outname="SYSLOG_FACILITY" name="syslogfacility")
    property(outname="SYSLOG_IDENTIFIER" name="programname")
    property(outname="MESSAGE" name="msg" position.from="2")
}}

# The access log of nginx.
template(name="MAASnginxaccess" type="list") {{
    constant(outname="MAAS_SOURCE" value="nginx")
    constant(outname="SYSLOG_IDENTIFIER" value="maas-http")
    property(outname="PRIORITY" name="syslogseverity")
    property(outname="MESSAGE" name="msg")
}}

global(parser.permitSlashInProgramName="on")

# What machines say.
template(name="MAASremote" type="subtree" subtree="$!remote")

if $programname == "maas_nginx" and $inputname == "imuxsock" then {{
    action(type="omjournal" template="MAASnginxaccess")
}} else if $syslogtag contains "maas" then {{
    action(type="omjournal" template="MAASjournal")
}} else {{
    set $!remote!MAAS_MACHINE_HOSTNAME = $hostname;
    set $!remote!MAAS_MACHINE_IP = $fromhost-ip;
    set $!remote!MAAS_MACHINE_TAG = $syslogtag;
    set $!remote!PRIORITY = $syslogseverity;
    if $hostname == "maas-enlisting-node" then {{
        set $.machineid = $fromhost-ip;
    }} else {{
        set $.machineid = $hostname;
    }}
    set $!remote!SYSLOG_IDENTIFIER = $.machineid;
    set $!remote!MESSAGE = $msg;
    action(type="omjournal" template="MAASremote")
}}

:inputname, isequal, "imtcp" stop

*.* stop
"""


def write() -> bool:
    """Return whether anything changed; the directory must be there (maas-region-run.md 2)."""
    directory = paths.syslog_config()
    text = CONFIGURATION.format(
        directory=directory, port=configvalues.get("maas_syslog_port") or 5247
    )
    return atomic_write(directory / "rsyslog.conf", text)
