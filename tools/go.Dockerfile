# One of the pinned Go tools (tools/NAME/go.mod). The image is a bag of binaries that other images copy from.
ARG GO_BUILDER
FROM ${GO_BUILDER} AS build
COPY host/ /etc/faultline-host/
RUN if [ -s /etc/faultline-host/ca.crt ]; then cp /etc/faultline-host/ca.crt /etc/ssl/certs/ca-certificates.crt; fi
ARG GOPROXY
ARG GOSUMDB
ARG GONOSUMDB
ARG GOPRIVATE
# Only what the binaries import is fetched, not all that go.mod lists: no `go mod download`.
COPY go.mod go.sum ./
# BINARIES is a list of NAME=PACKAGE. GOOS and GOARCH are set where the host that runs the binary is not Linux.
ARG BINARIES
ARG LDFLAGS
ARG GOOS=linux
ARG GOARCH
RUN export GOOS GOARCH && mkdir -p /out/bin \
 && for binary in ${BINARIES}; do \
      go build -trimpath -ldflags "-s -w ${LDFLAGS}" -o "/out/bin/${binary%%=*}" "${binary#*=}" || exit 1; \
    done \
 && rm -rf /root/.cache/go-build /go/pkg
FROM scratch
COPY --from=build /out/ /
LABEL dev.faultline=1
