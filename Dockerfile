# Two stages: the first builds the wheel and a virtual environment from the hashed lock files, the
# second holds that environment and nothing else. Same Python in both: the environment moves as is.

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The locks first: as long as they stay, a changed source costs no new installation.
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /opt/hothour \
    && /opt/hothour/bin/pip install --require-hashes -r requirements.lock \
    && pip install --require-hashes -r requirements-build.lock

COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/hothour/bin/pip install --no-deps --no-index /wheels/*.whl


FROM python:3.11-slim-bookworm

# A numeric user, so that a cluster can check "not root" without a passwd file. The data directory
# belongs to it: a fresh volume mounted there inherits that.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/hothour
COPY --from=build /opt/hothour /opt/hothour

ENV PATH=/opt/hothour/bin:$PATH \
    HOTHOUR_DATA_DIR=/var/lib/hothour \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/hothour
USER 10001:10001

EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["hothour", "healthcheck"]

ENTRYPOINT ["hothour"]
CMD ["serve", "--host", "0.0.0.0"]
