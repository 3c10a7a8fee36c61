#!/bin/bash
# Prepares a container to be a Kubernetes node, then becomes systemd.
set -euo pipefail
mount --make-rshared /
[ -e /dev/kmsg ] || ln -s /dev/console /dev/kmsg
rm -f /etc/machine-id && systemd-machine-id-setup

# Docker's resolver answers on 127.0.0.11, which is each pod's own loopback: give pods the bridge's gateway instead,
# or CoreDNS finds itself in a forwarding loop and stops.
gateway=$(ip -4 route show default | awk '{print $3}')
echo "nameserver ${gateway}" > /etc/kubelet-resolv.conf

# kube-proxy on a worker runs with that resolv.conf in the host network and has to find the control plane by its
# container's name, which only Docker's resolver knows. After a restart the addresses may be others: old lines go.
control_plane=$(hostname | sed -E 's/-(worker|control-plane)[0-9]*$/-control-plane/')
if address=$(getent ahostsv4 "${control_plane}" | awk 'NR == 1 {print $1}') && [ -n "${address}" ]; then
  # Docker mounts /etc/hosts: it can be written, not replaced.
  hosts=$(grep -v "# faultline-control-plane" /etc/hosts || true)
  printf '%s\n%s %s # faultline-control-plane\n' "${hosts}" "${address}" "${control_plane}" > /etc/hosts
fi
exec "$@"
