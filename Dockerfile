# Takes an executable that is built, and needs no network but for the base image:
#   npm ci && npm run build && docker build --tag bantam .
# For another processor: npm run release -- linux-arm64, and --platform linux/arm64
#   --build-arg EXECUTABLE=dist/executables/linux-arm64/bantam
FROM debian:bookworm-slim
ARG EXECUTABLE=dist/bantam

RUN groupadd --gid 1883 bantam \
  && useradd --uid 1883 --gid bantam --no-create-home --home-dir /var/lib/bantam --shell /usr/sbin/nologin bantam \
  && install -d -m 0700 -o bantam -g bantam /var/lib/bantam /run/bantam

COPY ${EXECUTABLE} /usr/bin/bantam
COPY packaging/container.toml /etc/bantam/bantam.toml
COPY LICENSE /usr/share/doc/bantam/

USER bantam
# So that it holds for `docker exec ... bantam user add` as well.
ENV BANTAM_STORAGE_DIRECTORY=/var/lib/bantam
VOLUME /var/lib/bantam
EXPOSE 1883
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["bantam", "check", "--quick", "unix:///run/bantam/health.sock"]
ENTRYPOINT ["bantam"]
CMD ["serve", "--config", "/etc/bantam/bantam.toml"]
