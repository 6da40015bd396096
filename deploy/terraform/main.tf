# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A managed instance group behind a load balancer, each machine with vpcgate on its NIC. What the
# machines serve is for you to add, by the image or at the end of install.sh.

locals {
  # Where load balancers and health checks come from, as the built-in sets of vpcgate have it:
  # https://cloud.google.com/load-balancing/docs/health-check-concepts, read 2026-11.
  google_ranges = ["35.191.0.0/16", "130.211.0.0/22"]

  config = templatefile("${path.module}/vpcgate.yaml.tftpl", {
    enforcement = var.enforcement
    port        = var.port
  })
}

resource "google_service_account" "machines" {
  project      = var.project
  account_id   = "vpcgate-machines"
  display_name = "Machines with vpcgate"
}

# gcp:subnets in the config asks the Compute API for the subnets, which are those of the network's
# project. Without an external address that takes Private Google Access, as fetching the package does.
# The libraries that it needs come from the image's mirror, which takes Cloud NAT, unless the image
# has them.
resource "google_project_iam_member" "subnets" {
  project = var.network_project
  role    = "roles/compute.networkViewer"
  member  = google_service_account.machines.member
}

resource "google_storage_bucket_iam_member" "package" {
  bucket = split("/", var.package)[2]
  role   = "roles/storage.objectViewer"
  member = google_service_account.machines.member
}

# VPC firewall rules drop before the machine does, and go on without it: vpcgate doesn't replace
# them.
resource "google_compute_firewall" "load_balancers" {
  project       = var.network_project
  name          = "vpcgate-allow-load-balancers"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = local.google_ranges

  target_service_accounts = [google_service_account.machines.email]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.port), "9820"]
  }
}

resource "google_compute_health_check" "service" {
  project = var.project
  name    = "vpcgate-service"

  check_interval_sec  = 10
  healthy_threshold   = 2
  unhealthy_threshold = 3

  tcp_health_check {
    port = var.port
  }
}

# Is the gate up? vpcgated says so where each NIC is filtered and each feed has answered once. For the
# group; google_compute_health_check.service is for your backend service.
resource "google_compute_health_check" "gate" {
  project = var.project
  name    = "vpcgate-gate"

  check_interval_sec  = 10
  healthy_threshold   = 2
  unhealthy_threshold = 6

  http_health_check {
    port         = 9820
    request_path = "/readyz"
  }
}

resource "google_compute_instance_template" "machine" {
  project      = var.project
  region       = var.region
  name_prefix  = "vpcgate-"
  machine_type = var.machine_type

  disk {
    source_image = var.image
    boot         = true
    auto_delete  = true
  }

  network_interface {
    subnetwork         = var.subnetwork
    subnetwork_project = var.network_project

    # gve takes XDP programs only while at most half of its queues are in use: it is given twice as
    # many as it needs, and install.sh has half of them used.
    nic_type    = "GVNIC"
    queue_count = var.queues
  }

  service_account {
    email = google_service_account.machines.email
    # The default scopes lack compute.readonly: the Compute API would answer 403 to any account.
    scopes = [
      "https://www.googleapis.com/auth/compute.readonly",
      "https://www.googleapis.com/auth/devstorage.read_only",
      "https://www.googleapis.com/auth/logging.write",
      "https://www.googleapis.com/auth/monitoring.write",
    ]
  }

  # The script is run at each boot, and takes the rest from the metadata.
  metadata = {
    startup-script         = file("${path.module}/install.sh")
    vpcgate-package        = var.package
    vpcgate-package-sha256 = var.package_sha256
    vpcgate-config         = local.config
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "machines" {
  project            = var.project
  region             = var.region
  name               = "vpcgate"
  base_instance_name = "vpcgate"
  target_size        = var.machines

  version {
    instance_template = google_compute_instance_template.machine.self_link_unique
  }

  named_port {
    name = "service"
    port = var.port
  }

  # A config that the gate refuses, one that shuts out the probes, or a package that can't be had goes
  # no further than the first machines that get it: they don't get healthy, and the others stay.
  update_policy {
    type                         = "PROACTIVE"
    minimal_action               = "REPLACE"
    max_surge_fixed              = 3
    max_unavailable_fixed        = 0
    instance_redistribution_type = "PROACTIVE"
  }

  auto_healing_policies {
    health_check      = google_compute_health_check.gate.id
    initial_delay_sec = 300
  }

  # A machine that boots before its account may ask gets no package, and no subnets.
  depends_on = [
    google_project_iam_member.subnets,
    google_storage_bucket_iam_member.package,
  ]
}
