# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
variable "project" {
  description = "Project of the machines."
  type        = string
}

variable "network_project" {
  description = "Project of the network: the host project under Shared VPC, else the same one."
  type        = string
}

variable "region" {
  description = "Region of the machines."
  type        = string
}

variable "network" {
  description = "Name of the VPC network."
  type        = string
}

variable "subnetwork" {
  description = "Name of the subnet of the machines."
  type        = string
}

variable "package" {
  description = "The package: gs://BUCKET/vpcgate_VERSION_amd64.deb."
  type        = string

  validation {
    condition     = can(regex("^gs://[^/]+/.+\\.deb$", var.package))
    error_message = "The package is a gs:// address of a .deb."
  }
}

variable "package_sha256" {
  description = "SHA-256 of the package: what is installed is what was built."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.package_sha256))
    error_message = "64 hexadecimal digits, as sha256sum prints them."
  }
}

variable "enforcement" {
  description = "monitor counts what it would drop; enforce drops it. Begin with monitor."
  type        = string
  default     = "monitor"

  validation {
    condition     = contains(["monitor", "enforce"], var.enforcement)
    error_message = "monitor or enforce."
  }
}

variable "port" {
  description = "TCP port that the load balancer sends to and probes."
  type        = number
  default     = 8080
}

# Native XDP on gVNIC needs Linux 6.4 on machines of the first and second generation, 6.15 on newer
# ones; with less the filter is attached in generic mode.
variable "machine_type" {
  description = "Machine type."
  type        = string
  default     = "n2-standard-2"
}

# Debian 12 has Linux 6.1, and 6.12 in its backports.
variable "image" {
  description = "Image of the boot disk, with the programs for Google's startup scripts."
  type        = string
  default     = "debian-cloud/debian-12"
}

variable "queues" {
  description = "Queues of the NIC, even: half of them are used, as native XDP asks for."
  type        = number
  default     = 2

  validation {
    condition     = var.queues >= 2 && var.queues % 2 == 0
    error_message = "An even number, 2 at least."
  }
}

variable "machines" {
  description = "How many machines."
  type        = number
  default     = 2
}
