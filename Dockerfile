# The site in a container: not root, and nothing but /tmp is written.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src ./src
RUN python -m venv /opt/photochrom && /opt/photochrom/bin/pip install --no-cache-dir -c constraints.txt '.[web,video]'

FROM python:3.12-slim
COPY --from=build /opt/photochrom /opt/photochrom
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin photochrom
USER 10001
WORKDIR /tmp
ENV PATH=/opt/photochrom/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK --start-period=20s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["photochrom", "serve", "--host", "0.0.0.0"]
