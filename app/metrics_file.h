// The metrics as a file, for node_exporter's textfile collector and whoever has no HTTP listener to scrape.
#pragma once

#include "core/result.h"

#include <string>

namespace postern::app {

// Readable by all; the old file or the new one, whole, for whoever reads meanwhile. Blocks.
Result<void> write_metrics_file(const std::string& path);

}  // namespace postern::app
