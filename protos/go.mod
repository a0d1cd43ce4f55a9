// protovalidate's own .proto file, which our contracts import. `go mod download` brings it; no Go code is built.
module argosy.dev/protos

go 1.26.0

require github.com/bufbuild/protovalidate v1.2.2
