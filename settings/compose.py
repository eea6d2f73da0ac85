"""The variables that only compose.yaml reads, beside the settings."""

# Name, example, help.
COMPOSE_VARIABLES = (
    (
        "COMPOSE_FILE",
        "compose.yaml",
        "compose.yaml:compose.macvlan.yaml gives MAAS an address in your network,"
        " compose.yaml:compose.host-network.yaml the host's.",
    ),
    ("MAAS_LAN_ADDRESS", "", "For macvlan: MAAS's own address in your network, 192.0.2.53 say."),
    ("MAAS_LAN_PARENT", "", "For macvlan: the host's interface in your network, such as eth0."),
    ("MAAS_LAN_SUBNET", "", "For macvlan: your network, such as 192.0.2.0/24."),
    ("MAAS_LAN_GATEWAY", "", "For macvlan: your router's address in it."),
    ("MAAS_HTTP_PORT", "5240", "Address and port, or port, of the host that lead to MAAS's web."),
    (
        "MAAS_TLS_PORT",
        "127.0.0.1:0",
        "Likewise for MAAS's own TLS, such as 5443 (127.0.0.1:0 is some free port of loopback).",
    ),
    ("MAAS_DNS_PORT", "127.0.0.1:0", "Likewise for DNS: 53 or ADDRESS:53."),
    ("MAAS_PROXY_PORT", "127.0.0.1:0", "Likewise for the package proxy, such as 8000."),
    (
        "MAAS_NTP_PORT",
        "127.0.0.1:0",
        "Likewise for NTP: 123 or ADDRESS:123. TrueNAS reserves port 123 of its own addresses.",
    ),
    ("MAAS_SYSLOG_PORT", "127.0.0.1:0", "Likewise for the logs of machines, such as 5247."),
    ("MAAS_HEALTH_PORT", "127.0.0.1:9568", "Address and port of the host that lead to metrics."),
    (
        "MAAS_ENV_FILE",
        ".env",
        "File whose variables all reach the container, so that MAAS_SETTING_<name> does.",
    ),
    ("MAAS_HOSTNAME", "maas", "Host name of the container: MAAS knows its region by it. Keep it."),
    ("MAAS_VERSION", "3.5", "Series of MAAS that `make build` installs: 3.5, 3.6 or 3.7."),
    (
        "MAAS_PACKAGE_VERSION",
        "",
        "Exact version of MAAS's packages that it installs, such as 1:3.5.13-…; else the newest.",
    ),
    (
        "MAAS_IMAGE",
        "truenas-maas:3.5",
        "Name of the built image, or of one that is pulled; by default it ends in MAAS_VERSION.",
    ),
    ("POSTGRES_IMAGE", "postgres:16-bookworm", "PostgreSQL's image."),
    (
        "POSTGRES_UID",
        "999",
        "UID and GID of PostgreSQL: 999 for a named volume, 568 for a dataset of TrueNAS's apps.",
    ),
    (
        "COMPOSE_PROFILES",
        "",
        "monitoring starts Prometheus, too; grafana starts Prometheus and Grafana.",
    ),
    ("PROMETHEUS_IMAGE", "prom/prometheus:v3.5.0", "Prometheus's image."),
    ("PROMETHEUS_PORT", "127.0.0.1:9090", "Address and port of the host that lead to Prometheus."),
    ("GRAFANA_IMAGE", "grafana/grafana:12.1.1", "Grafana's image."),
    ("GRAFANA_PORT", "127.0.0.1:3000", "Address and port of the host that lead to Grafana."),
    (
        "CA_BUNDLE",
        "/dev/null",
        "Certificates that pip trusts during the build, where a proxy inspects TLS.",
    ),
)
