# A static binary, run by a user without rights.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The JSON library must behave the same with and without the standard library's experiment.
ENV GOEXPERIMENT=nojsonv2
# What the program calls itself: docker build --build-arg VERSION=1.2.3
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X registrar/internal/version.release=$VERSION" -o /out/registrar .
RUN mkdir -p /out/data

FROM scratch
ARG VERSION=
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/registrar /registrar
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
# Where the SQLite file, the first admin token and compiled scripts go, and where the server listens. The health check
# and the commands in the container find it by the same variables. Nothing else is written.
ENV STATE_DIRECTORY=/data REGISTRAR_LISTEN=:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s CMD ["/registrar", "health"]
ENTRYPOINT ["/registrar"]
# Not loopback, so registration needs a token unless REGISTRAR_REGISTRATION says otherwise.
CMD ["serve"]
