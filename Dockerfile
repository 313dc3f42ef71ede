# One image for every process of Headnode; docker-compose.yml says which one each container runs.

FROM node:20-slim AS front-end
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY static ./static
# Of the CSS, what templates and scripts use is kept.
COPY templates ./templates
RUN npm run build

FROM python:3.11-slim-bookworm
# What simulated nodes show their users (they see this image's /usr), and the sandbox they live in.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap openssh-client openssh-sftp-server procps rsync \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/headnode headnode \
 && install -d -o headnode -g headnode -m 0700 /var/lib/headnode /var/lib/simulator /run/headnode-database /run/headnode-gateway /run/headnode-simulator \
 && install -d -o headnode -g headnode -m 0755 /run/headnode-postgres
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
COPY . .
COPY --from=front-end /src/static/dist ./static/dist
RUN python -m compileall -q accounts jobs portal sshgateway
ENV PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=portal.settings HEADNODE_VAR=/var/lib/headnode
USER headnode
CMD ["python", "-m", "portal.web"]
