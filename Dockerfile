# One image for every process of the house; the command chooses which.

# ---- the dashboard, built ---------------------------------------------------------------------------------------------
FROM node:22-bookworm-slim AS dashboard
WORKDIR /dashboard
COPY dashboard/package.json dashboard/package-lock.json dashboard/.npmrc ./
RUN npm ci --loglevel=error
COPY dashboard/ ./
RUN npm run build

# ---- the packages, each checked against its hash ----------------------------------------------------------------------
FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/gatehouse
WORKDIR /app
COPY requirements.lock ./
RUN /opt/gatehouse/bin/pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml ./
COPY domain domain
COPY channels channels
COPY server server
COPY gate_bridge gate_bridge
COPY adapters adapters
COPY simulators simulators
COPY gatehouse gatehouse
COPY migrations migrations
COPY deploy deploy
RUN /opt/gatehouse/bin/pip install --no-deps --no-build-isolation --no-index --editable . \
    && /opt/gatehouse/bin/python -m compileall -q /app \
    # Whatever the checkout's modes are: the image's accounts own nothing of it.
    && chmod -R a+rX /app

# ---- what runs --------------------------------------------------------------------------------------------------------
FROM python:3.11-slim-bookworm
ENV PATH=/opt/gatehouse/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# New volumes take their owner from the folders here: 1883 is the account of Mosquitto's image.
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin gatehouse \
    && install -d -o gatehouse -g gatehouse -m 0700 /data \
    && install -d -o 1883 -g 1883 -m 0700 /mosquitto/data /mosquitto/certs /authority
COPY --from=packages /opt/gatehouse /opt/gatehouse
COPY --from=packages /app /app
COPY --from=dashboard /dashboard/dist /app/dashboard/dist
# Readable by whichever account a service of the compose file runs as.
WORKDIR /app
USER gatehouse
CMD ["gatehouse", "--help"]
