# One image for every service, and one more with the tools: `make image`. Built by docker, podman or buildah alike.
# The contracts' Python code comes from outside (gen/, made by `make protos`), so the build needs nothing but pip.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt /tmp/
RUN python -m venv --without-pip /opt/argosy \
 && python -m pip --python /opt/argosy/bin/python install --no-compile --require-hashes --only-binary :all: -r /tmp/requirements.txt

FROM packages AS tools-packages
COPY requirements-tools.txt /tmp/
RUN python -m pip --python /opt/argosy/bin/python install --no-compile --require-hashes --only-binary :all: -r /tmp/requirements-tools.txt

# What both images are made of; bytecode that is checked by hash, not by time, makes layers reproducible.
FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/argosy/bin:$PATH PYTHONPATH=/app:/app/gen PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001

FROM base AS tools
USER 0
COPY --from=tools-packages /opt/argosy /opt/argosy
COPY gen gen
COPY mesh mesh
COPY loadtest loadtest
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/argosy/lib /app
USER 10001:10001
ENTRYPOINT ["python", "-m"]
CMD ["mesh", "--help"]

FROM base AS services
USER 0
COPY --from=packages /opt/argosy /opt/argosy
COPY gen gen
COPY mesh/resilience mesh/resilience
COPY services services
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/argosy/lib /app
USER 10001:10001
EXPOSE 50051 9464
# Which service is the pod's command: python -m services.orders
ENTRYPOINT ["python", "-m"]
CMD ["services.catalog"]
