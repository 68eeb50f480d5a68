FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package server

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Cinnabar" \
      org.opencontainers.image.licenses="Apache-2.0"
# A fixed number, so that volumes keep their owner from one image to the next.
RUN groupadd --gid 10001 cinnabar \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data \
      --shell /usr/sbin/nologin cinnabar \
 && install --directory --owner=cinnabar --group=cinnabar --mode=0750 /data
COPY --from=build /src/target/release/cinnabar /usr/local/bin/cinnabar
COPY --from=build /src/LICENSE /usr/share/doc/cinnabar/LICENSE
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 6379
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["cinnabar", "ping"]
ENTRYPOINT ["cinnabar"]
# All interfaces of the container: it is the published ports that decide who gets in.
CMD ["--bind", "*", "-::*", "--protected-mode", "no", "--dir", "/data"]
