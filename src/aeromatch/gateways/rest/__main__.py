"""`python -m aeromatch.gateways.rest`: prints the OpenAPI document, as api/openapi/spec.yaml has it."""

import sys

from aeromatch.gateways.rest.handlers import ROUTES
from aeromatch.gateways.rest.openapi import document_yaml

sys.stdout.write(document_yaml(ROUTES))
