# The images as they are published: each version of MAAS for each kind of processor. The environment
# sets the variables. What comes of them: docker buildx bake --file docker-bake.hcl --print
# (Without --file, bake reads compose.yaml, too.)

variable "REPOSITORY" {
  default = "ghcr.io/truenas-maas/truenas-maas"
}

variable "SOURCE" {
  default = "https://github.com/truenas-maas/truenas-maas"
}

variable "IMAGE_REVISION" {
  default = "unknown"
}

# A tag of git, such as v1.0.0: the images get it behind their version of MAAS, too.
variable "RELEASE" {
  default = ""
}

# Exact versions of MAAS's packages, such as 1:3.5.13-…; empty: the newest of the series.
variable "MAAS_PACKAGE_VERSION_3_5" {
  default = ""
}

variable "MAAS_PACKAGE_VERSION_3_6" {
  default = ""
}

variable "MAAS_PACKAGE_VERSION_3_7" {
  default = ""
}

group "default" {
  targets = ["image"]
}

target "image" {
  name = "image-${replace(maas.version, ".", "-")}"
  matrix = {
    maas = [
      { version = "3.5", packages = MAAS_PACKAGE_VERSION_3_5 },
      { version = "3.6", packages = MAAS_PACKAGE_VERSION_3_6 },
      { version = "3.7", packages = MAAS_PACKAGE_VERSION_3_7 },
    ]
  }
  platforms = ["linux/amd64", "linux/arm64"]
  args = {
    MAAS_VERSION         = maas.version
    MAAS_PACKAGE_VERSION = maas.packages
    IMAGE_REVISION       = IMAGE_REVISION
  }
  tags = [for version in versions(maas.version) : "${lower(REPOSITORY)}:${version}"]
  # what only who publishes knows; the Dockerfile has the others
  labels = {
    "org.opencontainers.image.source"  = SOURCE
    "org.opencontainers.image.version" = element(versions(maas.version), 0)
  }
}

# The most exact first.
function "versions" {
  params = [version]
  result = RELEASE == "" ? [version] : ["${version}-${RELEASE}", version]
}
