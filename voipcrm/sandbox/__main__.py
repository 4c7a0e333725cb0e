"""`python -m voipcrm.sandbox`."""

import sys

from voipcrm.sandbox.cli import main

sys.exit(main())
