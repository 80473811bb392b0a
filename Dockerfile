# One image for every process of ipgov; which one it becomes is the command (docker-compose.yml).
# PYTHON_IMAGE is chosen in .env, where a digest can be added to the version.
ARG PYTHON_IMAGE=python:3.11.16-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
RUN python -m venv /opt/venv
COPY requirements-image.lock /tmp/requirements-image.lock
# Wheels only, each checked against its hash: nothing is compiled, so no compiler is needed. A site's own
# package index is named in a pip.conf that is mounted here and stays in no layer.
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf,required=false \
    /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-compile \
      --no-deps --require-hashes --only-binary :all: -r /tmp/requirements-image.lock \
    && /opt/venv/bin/python -m pip uninstall --yes --quiet pip setuptools \
    && python -m compileall -q -j 0 /opt/venv/lib

FROM ${PYTHON_IMAGE}
# Nobody's account of its own; the group of the secret files comes from docker-compose.yml.
RUN groupadd --gid 10001 ipgov \
    && useradd --uid 10001 --gid ipgov --no-create-home --home-dir /var/lib/ipgov --shell /usr/sbin/nologin ipgov \
    && install --directory --owner ipgov --group ipgov --mode 0700 /var/lib/ipgov /var/lib/ipgov/logs
COPY --from=packages /opt/venv /opt/venv
WORKDIR /opt/ipgov
COPY policies policies
COPY sql sql
COPY expectations expectations
COPY reports/templates reports/templates
COPY dags dags
COPY plugins plugins
# The project is read where it lies, as in a checkout: its root is the folder above plugins/.
RUN echo /opt/ipgov/plugins > /opt/venv/lib/python3.11/site-packages/ipgov.pth \
    && printf '%s\n' '#!/opt/venv/bin/python' 'import sys' 'from ipgov.cli import main' 'sys.exit(main())' \
      > /opt/venv/bin/ipgov \
    && chmod 0755 /opt/venv/bin/ipgov \
    && /opt/venv/bin/python -m compileall -q plugins dags
ENV PATH=/opt/venv/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONUTF8=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/ipgov \
    MPLCONFIGDIR=/tmp/matplotlib \
    IPGOV_STATE=/var/lib/ipgov
USER 10001:10001
STOPSIGNAL SIGTERM
CMD ["ipgov", "--help"]
