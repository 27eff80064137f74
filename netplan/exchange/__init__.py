# SPDX-License-Identifier: Apache-2.0
"""Foreign file formats, one module each."""
