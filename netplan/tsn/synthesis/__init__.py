# SPDX-License-Identifier: Apache-2.0
"""Gate schedules: when each scheduled frame leaves each port, and the gate lists that see to it."""
