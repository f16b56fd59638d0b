#include "sandbox/scenario_catalog.h"

#include <array>

namespace postern::sandbox {
namespace {

constexpr std::array<CatalogRow, 9> kCatalog = {{
    {"delivered", ScenarioKind::Delivered, "250", "delivered at the first attempt"},
    {"bounced", ScenarioKind::Bounced, "250", "the next hop answers 550 5.1.1: bounced, with a DSN"},
    {"rejected", ScenarioKind::Rejected, "550 5.1.1", "nothing: the recipient is refused in the session"},
    {"deferred", ScenarioKind::Deferred, "250", "two temporary failures (451 4.7.1), then delivered"},
    {"complained", ScenarioKind::Complained, "250", "delivered, then reported as spam"},
    {"suppressed", ScenarioKind::Suppressed, "250", "not attempted: the address is on the suppression list"},
    {"timeout", ScenarioKind::Timeout, "250", "every attempt times out (4.4.2) until it expires"},
    {"expired", ScenarioKind::Expired, "250", "every attempt finds no host (4.4.1) until it expires"},
    {"smtp-<code>-<x.y.z>", ScenarioKind::SmtpReply, "<code> <x.y.z>",
     "that very reply at RCPT; a 2yz accepts the recipient, who is then delivered with it"},
}};

}  // namespace

std::span<const CatalogRow> scenario_catalog() { return kCatalog; }

std::string catalog_markdown() {
  std::string text = "| local part | RCPT answers | what happens |\n|---|---|---|\n";
  for (const CatalogRow& row : kCatalog) {
    text.append("| `").append(row.name).append("` | `").append(row.at_rcpt).append("` | ").append(row.outcome).append(" |\n");
  }
  return text;
}

}  // namespace postern::sandbox
