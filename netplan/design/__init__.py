# SPDX-License-Identifier: Apache-2.0
"""What a user writes: reading, checking and editing design documents."""
