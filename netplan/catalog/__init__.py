# SPDX-License-Identifier: Apache-2.0
"""Equipment and standards as data files, every value with its unit and source."""
