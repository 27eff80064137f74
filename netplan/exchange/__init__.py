# SPDX-License-Identifier: Apache-2.0
"""Foreign formats: what other tools and devices read, one file for each; text only, no file access."""
