# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
output "instance_group" {
  description = "For the backend of a load balancer."
  value       = google_compute_region_instance_group_manager.machines.instance_group
}

output "health_check" {
  description = "For the same backend."
  value       = google_compute_health_check.service.id
}
