# One image for every service, and one more with the tools: `make image`. Built by docker, podman or buildah alike.
# The contracts' Python code comes from outside (gen/, made by `make protos`), so the build needs nothing but pip.
# The digest is that of the index for all platforms; docs/images.md says how it is moved.
ARG PYTHON_IMAGE=python:3.11.17-slim-bookworm@sha256:0a310eeecf4e1f5a0743f9a6520c90c88d089c903ca5fd283f501e3a805f5f89

# What is compiled here is checked by nothing at start: neither layers nor a read-only file system change. The hash
# seed makes it the same bytes each time.
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
COPY requirements.txt /tmp/
RUN python -m venv --without-pip /opt/argosy \
 && python -m pip --python /opt/argosy/bin/python install --no-compile --require-hashes --only-binary :all: \
      -r /tmp/requirements.txt \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/argosy/lib

FROM packages AS tools-packages
COPY requirements-tools.txt /tmp/
RUN python -m pip --python /opt/argosy/bin/python install --no-compile --require-hashes --only-binary :all: \
      -r /tmp/requirements-tools.txt \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/argosy/lib

# Modes are set here, because those of a checkout depend on its owner's umask.
FROM packages AS services-code
WORKDIR /app
COPY gen gen
COPY mesh/resilience mesh/resilience
COPY services services
RUN chmod -R u=rwX,go=rX . && python -m compileall -q --invalidation-mode unchecked-hash .

FROM packages AS tools-code
WORKDIR /app
COPY gen gen
COPY mesh mesh
COPY loadtest loadtest
RUN chmod -R u=rwX,go=rX . && python -m compileall -q --invalidation-mode unchecked-hash .

# The base without anything that installs, its library compiled (the official image has no bytecode, and nobody may
# write any later), and a folder for data: a new volume there belongs to the user.
FROM ${PYTHON_IMAGE} AS runtime
ENV PATH=/opt/argosy/bin:$PATH PYTHONPATH=/app:/app/gen PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
RUN rm -rf /usr/local/bin/pip* $(python -c "import ensurepip, site; print(*ensurepip.__path__, *site.getsitepackages())") \
 && PYTHONHASHSEED=0 python -m compileall -q --invalidation-mode unchecked-hash \
      $(python -c "import sysconfig; print(sysconfig.get_path('stdlib'))") \
 && install -d -o 10001 -g 10001 /data
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python", "-m"]
ARG PYTHON_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.base.name=$PYTHON_IMAGE \
      org.opencontainers.image.licenses=Apache-2.0

FROM runtime AS tools
LABEL org.opencontainers.image.title=argosy-tools \
      org.opencontainers.image.description="The argosy command and the load tests"
COPY --from=tools-packages /opt/argosy /opt/argosy
COPY --from=tools-code /app /app
CMD ["mesh", "--help"]

FROM runtime AS services
LABEL org.opencontainers.image.title=argosy \
      org.opencontainers.image.description="Every service of the Argosy shop; which one is the command: services.orders"
COPY --from=packages /opt/argosy /opt/argosy
COPY --from=services-code /app /app
EXPOSE 50051 9464
CMD ["services.catalog"]
