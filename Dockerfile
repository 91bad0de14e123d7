# syntax=docker/dockerfile:1
# The service in a small image: built from source, run without root, everything it keeps in /data.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY crates/planner/Cargo.toml crates/planner/
COPY crates/bench/Cargo.toml crates/bench/
COPY crates/export/Cargo.toml crates/export/
COPY crates/import/Cargo.toml crates/import/
COPY crates/onnx/Cargo.toml crates/onnx/
# Dependencies first, on empty crates: they change seldom, and this layer is then kept.
RUN mkdir -p src benches/service crates/planner/src crates/planner/benches crates/bench/src crates/export/src crates/import/src crates/onnx/src \
    && echo 'fn main() {}' | tee src/main.rs benches/service/main.rs crates/planner/benches/planner.rs > crates/bench/src/main.rs \
    && touch src/lib.rs crates/planner/src/lib.rs crates/export/src/lib.rs crates/import/src/lib.rs crates/onnx/src/lib.rs \
    && cargo build --release --locked && rm -r src crates/planner/src crates/export/src crates/import/src crates/onnx/src
COPY crates/planner/src crates/planner/src
COPY crates/export/src crates/export/src
COPY crates/import/src crates/import/src
COPY crates/onnx/src crates/onnx/src
COPY migrations migrations
COPY examples examples
COPY src src
# Cargo looks at times: what was built from the empty crates must look older.
RUN touch src/main.rs src/lib.rs crates/planner/src/lib.rs crates/export/src/lib.rs crates/import/src/lib.rs crates/onnx/src/lib.rs && cargo build --release --locked

FROM debian:bookworm-slim
RUN groupadd --system --gid 10001 cutpoint \
    && useradd --system --uid 10001 --gid cutpoint --home-dir /data --shell /usr/sbin/nologin cutpoint \
    && install --directory --owner cutpoint --group cutpoint --mode 0750 /data
COPY --from=build /source/target/release/cutpoint /usr/local/bin/cutpoint
# What receivers of webhooks are trusted by.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/cutpoint/
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV CUTPOINT_LISTEN=0.0.0.0:8080 \
    CUTPOINT_DATABASE_URL=sqlite:///data/cutpoint.db \
    CUTPOINT_LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 \
    CMD ["cutpoint", "health", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["cutpoint"]
CMD ["serve"]
