# The controller's image: docker build -t sealed-secrets-controller .
# `cargo xtask image` makes one without a daemon, reproducible, with the list of its crates (deploy/README.md).
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# The target is named so that the macros, which run while compiling, are not linked statically.
RUN target=$(rustc --print host-tuple) \
    && RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --locked --release --target "$target" --package controller --bin controller \
    && cp "target/$target/release/controller" /controller

FROM scratch
COPY --from=build /controller /usr/local/bin/controller
ENV PATH=/usr/local/bin MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
EXPOSE 8080/tcp 8081/tcp
USER 1001
WORKDIR /
ENTRYPOINT ["controller"]
