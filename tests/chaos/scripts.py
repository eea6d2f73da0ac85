"""Python that faults run inside containers, with the standard library alone."""

# Writes lines as fast as they are taken, in the place of a program: PID, seconds.
FLOOD_LOG = """
import os, sys, time
pipe = os.open(f"/proc/{sys.argv[1]}/fd/1", os.O_WRONLY)
lines = b"".join(b"flood %06d %s\\n" % (n, b"x" * 100) for n in range(500))
ends = time.monotonic() + float(sys.argv[2])
while time.monotonic() < ends:
    os.write(pipe, lines)
"""

# Leaves processes behind that end when they like: number, seconds.
LEAVE_ORPHANS = """
import os, random, sys, time
seconds = float(sys.argv[2])
ends = time.monotonic() + seconds
for _ in range(int(sys.argv[1])):
    if time.monotonic() > ends:
        break
    try:
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(random.uniform(0, seconds))
            os._exit(0)
        os.wait()
    except OSError:  # pids_limit
        time.sleep(0.05)
"""

# Takes each connection that PostgreSQL gives, and holds it. Needs psycopg.
FILL_CONNECTIONS = """
import os, psycopg, time
held = []
while True:
    try:
        held.append(psycopg.connect(
            host="postgres", user="maas", password=os.environ["POSTGRES_PASSWORD"], dbname="maasdb",
            connect_timeout=2))
    except psycopg.Error:
        time.sleep(0.2)
"""

# Is a client of everything that listens, PostgreSQL too: "slow" or "rubbish", seed, seconds.
BE_A_BAD_CLIENT = r"""
import contextlib, os, pathlib, random, socket, stat, sys, time
manner, chance = sys.argv[1], random.Random(sys.argv[2])
ends = time.monotonic() + float(sys.argv[3])
BEGINNINGS = (b"", b"GET /", b"GET /metrics HTTP/1.1\r\nHost: x\r\n", b"POST /RPC2 HTTP/1.1\r\n",
    b"POST /v1/services HTTP/1.1\r\nContent-Length: 99999\r\n\r\n{", b"\x16\x03\x01\x02\x00\x01",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
    b"GET /MAAS/api/2.0/version/ HTTP/1.1\r\nHost: x\r\n\r\n", b"<30>Jan  1 00:00:00 x y: ",
    b"\x00\x1d\x12\x34\x01\x00\x00\x01")
def listening(table):
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if table.startswith("udp") or words[3] == "0A":
                yield int(words[1].split(":")[1], 16)
def unix_sockets():
    for top in ("/run", "/var/lib/maas"):
        for directory, _, names in os.walk(top):
            for path in (os.path.join(directory, name) for name in names):
                with contextlib.suppress(OSError):
                    if stat.S_ISSOCK(os.lstat(path).st_mode):
                        yield path
tcp = {("127.0.0.1", port) for table in ("tcp", "tcp6") for port in listening(table)}
udp = {("127.0.0.1", port) for table in ("udp", "udp6") for port in listening(table)}
targets = [(socket.AF_INET, socket.SOCK_STREAM, address) for address in tcp | {("postgres", 5432)}]
targets += [(socket.AF_INET, socket.SOCK_DGRAM, address) for address in udp]
targets += [(socket.AF_UNIX, socket.SOCK_STREAM, path) for path in unix_sockets()]
targets += [(socket.AF_UNIX, socket.SOCK_DGRAM, path) for path in unix_sockets()]
targets.sort(key=str)
held = []
while time.monotonic() < ends:
    family, kind, address = chance.choice(targets)
    client = socket.socket(family, kind)
    client.settimeout(0.5)
    with contextlib.suppress(OSError):
        client.connect(address)
        client.send(chance.choice(BEGINNINGS))
        if manner == "rubbish":
            client.send(chance.randbytes(chance.randrange(1, 5000)))
            client.recv(chance.randrange(1, 2000))
    held.append(client)
    if len(held) > (300 if manner == "slow" else 5):
        held.pop(0).close()
    time.sleep(0.005)
"""
