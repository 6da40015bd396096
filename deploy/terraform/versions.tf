# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
terraform {
  required_version = ">= 1.3"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0"
    }
  }
}
