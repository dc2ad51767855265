"""Who may come in and what may happen: keys, limits, kill switches, the audit (docs/security.md).

`table.AdmissionTable` is what gateways use. `keys` is the file of keys, `audit` the notes of who did what, `review`
reads them with the journal, `safety` cancels orders when somebody is gone or is to stop, `tls` makes contexts,
`..listen` counts what uvicorn accepts.
"""

from aeromatch.server.admission.keys import KeyFileError, KeyRecord, KeyStore
from aeromatch.server.admission.options import AdmissionOptions, Rate
from aeromatch.server.admission.table import AdmissionTable

__all__ = ["AdmissionOptions", "AdmissionTable", "KeyFileError", "KeyRecord", "KeyStore", "Rate"]
