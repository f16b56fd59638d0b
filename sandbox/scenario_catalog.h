// The built-in scenarios, as one table: the parser, the documents and the command line all read it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace postern::sandbox {

enum class ScenarioKind { Delivered, Bounced, Rejected, Deferred, Complained, Suppressed, Timeout, Expired, SmtpReply };

struct CatalogRow {
  std::string_view name;     // the local part; "smtp-<code>-<x.y.z>" stands for a family
  ScenarioKind kind;
  std::string_view at_rcpt;  // what RCPT is answered
  std::string_view outcome;  // what becomes of the message
};

std::span<const CatalogRow> scenario_catalog();
// The table as docs/sandbox.md shows it.
std::string catalog_markdown();

}  // namespace postern::sandbox
