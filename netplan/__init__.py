# SPDX-License-Identifier: Apache-2.0
"""Planning: from a design document to a plan, worst-case bounds and verdicts.

Pure computation. Nothing in this package opens a socket, a window or a process.
"""

VERSION = "0.1.0"
