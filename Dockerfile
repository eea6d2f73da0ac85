# MAAS's region for a container without any privilege. MAAS_VERSION picks the Ubuntu release (a stage
# of that name) and MAAS's archive (a file of that name in apt/) together. BASE_IMAGE and APT_SOURCES
# replace the two, which is all that differs in an offline build.
ARG MAAS_VERSION=3.5
ARG BASE_IMAGE=maas-${MAAS_VERSION}

# --- The keys of the archives in apt/, where each is held to its fingerprint: ppa:maas, PostgreSQL ---
FROM scratch AS keys
ADD --chmod=0644 "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x3AB6DCF1F234E78DAA9C104204E7FDC5684D4A1C" /maas.asc
ADD --chmod=0644 https://www.postgresql.org/media/keys/ACCC4CF8.asc /postgresql.asc

# --- The Ubuntu release of each version of MAAS ---
FROM ubuntu:22.04 AS maas-3.5
COPY --from=keys / /usr/share/keyrings/
FROM ubuntu:24.04 AS maas-3.6
COPY --from=keys / /usr/share/keyrings/
FROM ubuntu:24.04 AS maas-3.7
COPY --from=keys / /usr/share/keyrings/

# --- Where packages come from ---
FROM ${BASE_IMAGE} AS archives
ARG MAAS_VERSION
ARG APT_SOURCES=apt/${MAAS_VERSION}.sources
# A file of your own belongs into apt/, which the build context has.
COPY --chmod=0644 ${APT_SOURCES} /etc/apt/sources.list.d/maas.sources
# Which archive a package comes from where several have it.
COPY --chmod=0644 apt/postgresql.pref /etc/apt/preferences.d/

# --- The project and its dependencies, in a venv that MAAS's Python never sees ---
FROM ${BASE_IMAGE} AS venv
ARG MAAS_VERSION
ARG TARGETARCH
# docker-clean of the base image would empty the cache of packages.
RUN --mount=type=cache,id=apt-cache-${MAAS_VERSION}-${TARGETARCH},target=/var/cache/apt,sharing=locked \
    --mount=type=cache,id=apt-lists-${MAAS_VERSION}-${TARGETARCH},target=/var/lib/apt,sharing=locked \
    rm -f /etc/apt/apt.conf.d/docker-clean \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        --option APT::Keep-Downloaded-Packages=true python3-venv
# The packages of the lock file, by their hashes, and nothing that installs others.
COPY requirements.lock /tmp/
# Behind a proxy that inspects TLS: --secret id=ca-bundle,src=/etc/ssl/certs/ca-certificates.crt
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca-bundle \
    if [ -s /run/secrets/ca-bundle ]; then export PIP_CERT=/run/secrets/ca-bundle; fi \
    && python3 -m venv /opt/truenas-maas \
    && /opt/truenas-maas/bin/pip install --require-hashes --no-compile -r /tmp/requirements.lock \
    && /opt/truenas-maas/bin/pip uninstall --yes --quiet pip setuptools
# The project's own packages, and the shims.
COPY settings /opt/truenas-maas/app/settings
COPY supervisord /opt/truenas-maas/app/supervisord
COPY maas_init /opt/truenas-maas/app/maas_init
COPY healthcheck /opt/truenas-maas/app/healthcheck
COPY housekeeping /opt/truenas-maas/app/housekeeping
COPY shims /opt/truenas-maas/shims
# The interpreter finds the packages by a .pth file, whatever its version; compiled now, because at
# run time nothing there can be written.
RUN cd /opt/truenas-maas \
    && echo /opt/truenas-maas/app > "$(echo lib/python3*/site-packages)/truenas-maas.pth" \
    && chmod -R a+rX,go-w . && chmod 0755 shims/* app/healthcheck/probe.py \
    && bin/python -m compileall -q app lib

# --- MAAS's packages ---
FROM archives AS maas
# MAAS's package scripts keep a user of that name, and chown to it.
RUN groupadd --gid 568 maas \
    && useradd --uid 568 --gid 568 --home-dir /var/lib/maas --no-create-home \
        --shell /usr/sbin/nologin maas
ARG MAAS_VERSION
ARG TARGETARCH
ARG MAAS_PACKAGES=maas-region-api
# An exact one, such as 1:3.5.13-16468-g.051f4f00a-0ubuntu1~22.04.1, for all packages of MAAS's.
ARG MAAS_PACKAGE_VERSION
# MAAS and what it needs, without what package scripts leave for a host. policy-rc.d: no package starts
# a service here. postgresql-client is the newest that the sources have: pg_dump refuses a server that
# is newer than itself. wget fetches what MAAS's commissioning of its own host runs; iproute2 finds the
# address that Temporal broadcasts; bind9-dnsutils has the nsupdate by which MAAS changes single names;
# nginx's stream module passes 5242 on from 3.6 on.
RUN --mount=type=cache,id=apt-cache-${MAAS_VERSION}-${TARGETARCH},target=/var/cache/apt,sharing=locked \
    --mount=type=cache,id=apt-lists-${MAAS_VERSION}-${TARGETARCH},target=/var/lib/apt,sharing=locked \
    rm -f /etc/apt/apt.conf.d/docker-clean \
    && printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 0755 /usr/sbin/policy-rc.d \
    && if [ -n "${MAAS_PACKAGE_VERSION}" ]; then \
        printf 'Package: src:maas\nPin: version %s\nPin-Priority: 1001\n' "${MAAS_PACKAGE_VERSION}" \
            > /etc/apt/preferences.d/maas; fi \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        --option APT::Keep-Downloaded-Packages=true \
        ${MAAS_PACKAGES} ${MAAS_PACKAGE_VERSION:+maas-region-api=${MAAS_PACKAGE_VERSION}} \
        bind9-dnsutils iproute2 libnginx-mod-stream postgresql-client wget \
    # the packaged preseeds and drivers where a volume at /etc/maas cannot hide them: MAAS looks for
    # preseeds there, too, and init puts drivers.yaml into a volume that has none
    && cp -R /etc/maas/preseeds /etc/maas/drivers.yaml /usr/share/maas/ \
    && rm -rf /usr/sbin/policy-rc.d /etc/apt/preferences.d/maas \
    # keys that package scripts made: a published image would share them; init makes new ones
        /etc/bind/maas /etc/bind/rndc.key /etc/ssl/private/ssl-cert-snakeoil.key \
        /etc/ssl/certs/ssl-cert-snakeoil.pem \
    # what belongs into the volumes: a new named volume begins as a copy of these directories
        /var/lib/maas /var/log/maas /var/spool/maas-proxy /var/log/*.log /var/log/apt \
    # other users' directories, which MAAS has elsewhere here or not at all
        /var/lib/bind/maas /var/cache/maas-proxy /var/lib/chrony /var/log/chrony \
    # what is for a host: an empty regiond.conf, jobs of cron, rights of sudo
        /etc/maas/regiond.conf /etc/cron.d/maas* /etc/sudoers.d/*maas* \
    && install -d -o maas -g maas -m 0750 /var/lib/maas /var/log/maas /var/spool/maas-proxy \
    # a directory of MAAS's with files of root's
    && chown -R maas:maas /etc/maas \
    # nginx opens its compiled-in log before it reads its configuration
    && ln -sf /dev/stderr /var/log/nginx/error.log \
    # a program with a file capability cannot be executed at all under cap_drop: ALL
    && find / -xdev -type f -perm /6000 -exec chmod ug-s {} + \
    && python3 -c 'import os; [os.removexattr(p, "security.capability") \
        for d, _, fs in os.walk("/usr") for p in (os.path.join(d, f) for f in fs) \
        if not os.path.islink(p) and "security.capability" in os.listxattr(p)]'

# --- The image ---
FROM maas AS runtime
# The project, 27 MB.
COPY --from=venv /opt/truenas-maas /opt/truenas-maas
# Its commands on the PATH, before those of packages.
RUN ln -s /opt/truenas-maas/shims/* /opt/truenas-maas/bin/supervisorctl /usr/local/bin/ \
    && ln -s /opt/truenas-maas/app/healthcheck/probe.py /usr/local/bin/healthcheck \
    && ln -s /opt/truenas-maas/app/supervisord/supervisord.conf /etc/supervisord.conf
# The one environment of every MAAS process, of init and of `docker exec`: all of MAAS's state is
# below /var/lib/maas, all that may be lost below /run (facts/maas-region-run.md 1). No SNAP* here.
ENV HOME=/var/lib/maas \
    container=docker \
    DJANGO_SETTINGS_MODULE=maasserver.djangosettings.settings \
    MAAS_ROOT=/var/lib/maas \
    MAAS_DATA=/var/lib/maas \
    MAAS_CACHE=/var/lib/maas/cache \
    MAAS_REGION_CONFIG=/var/lib/maas/regiond.conf \
    MAAS_DNS_CONFIG_DIR=/var/lib/maas/bind \
    MAAS_BIND_CONFIG_DIR=/var/lib/maas/bind \
    MAAS_ZONE_FILE_CONFIG_DIR=/var/lib/maas/bind/zones \
    MAAS_DNS_RNDC_PORT=954 \
    MAAS_DNS_DEFAULT_CONTROLS=0 \
    MAAS_PROXY_CONFIG_DIR=/var/lib/maas/proxy \
    MAAS_SYSLOG_CONFIG_DIR=/var/lib/maas/syslog \
    MAAS_SYSLOG_LOG_DIR=/var/log/maas \
    MAAS_HTTP_CONFIG_DIR=/var/lib/maas/http \
    MAAS_TEMPORAL_CONFIG_DIR=/var/lib/maas/temporal \
    MAAS_IPC_SOCKET_PATH=/run/maas/regiond-ipc.sock \
    MAAS_HTTP_SOCKET_WORKER_BASE_PATH=/run/maas/regiond-webapp.sock \
    MAAS_APISERVER_HTTP_SOCKET_PATH=/run/maas/apiserver-http.sock \
    MAAS_INTERNALAPISERVER_HTTP_SOCKET_PATH=/run/maas/internalapiserver-http.sock \
    MAAS_THIRD_PARTY_DRIVER_SETTINGS=/etc/maas/drivers.yaml \
    prometheus_multiproc_dir=/run/maas/prometheus
ARG IMAGE_REVISION=unknown
ENV IMAGE_REVISION=${IMAGE_REVISION}
LABEL org.opencontainers.image.title="truenas-maas" \
      org.opencontainers.image.description="Canonical MAAS region without privileges" \
      org.opencontainers.image.revision="${IMAGE_REVISION}"
EXPOSE 5240 5242 5443 53/tcp 53/udp 123/udp 5247/tcp 5247/udp 8000 9568
WORKDIR /
USER 568:568
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=15m --start-interval=2s --retries=3 \
    CMD ["healthcheck"]
ENTRYPOINT []
# The kernel drops what PID 1 has no handler for, but keeps what is blocked; Python takes a moment.
CMD ["env", "--block-signal=TERM,INT", "/opt/truenas-maas/bin/python3", "-I", "-m", "supervisord"]
