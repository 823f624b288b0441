-- Version 4. What one custodian opened within a day is found without reading every ceremony.

CREATE INDEX ceremonies_by_author ON ceremonies (author, time_ms);
