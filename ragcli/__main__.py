"""`python -m ragcli`."""

from __future__ import annotations

import sys

from ragcli.cli.main import main

sys.exit(main())
