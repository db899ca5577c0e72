# The service with its embedded PostgreSQL, on glibc (the binaries are built for it), as an ordinary user.
# Data lies in /data; or give LEPTA_DATABASE_URL.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md ./
COPY src src
COPY migrations migrations
# Every wheel is checked against its hash; of them only what the service needs is installed.
RUN python -m venv /opt/lepta \
    && pip download --no-cache-dir --require-hashes --requirement requirements.lock --dest /wheels \
    && /opt/lepta/bin/pip install --no-cache-dir --no-index --find-links /wheels .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/lepta /opt/lepta
RUN useradd --create-home --uid 10001 lepta \
    && install --directory --owner=lepta --group=lepta --mode=0700 /data
USER 10001
ENV LEPTA_DATA_DIR=/data PATH=/opt/lepta/bin:$PATH
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["lepta", "serve", "--host", "0.0.0.0", "--port", "8000"]
