// Whether, and as whom, this installation sends TLS reports: settings → relay/tls_reporter.
#pragma once

#include "app/settings.h"
#include "relay/tls_reporter.h"

#include <memory>

namespace postern::app {

// To be started on the parts' executor; null: nobody is told.
std::unique_ptr<net::Task> make_tls_reports(const Settings& settings, relay::TlsReporterParts parts);

}  // namespace postern::app
