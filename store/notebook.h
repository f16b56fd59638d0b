// What was learnt of other servers and can be learnt again, or be missed: MTA-STS policies, how TLS went, what an address has sent
// today, what was refused. An environment of its own beside the store's two: it may be removed while the server is stopped, no
// backup needs it, and what is written here keeps no mail waiting. Values are octets; who writes them knows their form.
#pragma once

#include "core/result.h"
#include "lmdb/commit_queue.h"
#include "lmdb/environment.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::store {

enum class NotebookTable : std::size_t {
  Meta,         // not used yet
  StsPolicies,  // domain → mx/sts_policy's form
  TlsResults,   // reports/tls_results' keys → a TLS report's JSON
  TlsReports,   // the same keys → what became of the report (relay/tls_reporter)
  WarmUps,      // relay/source_book's keys → messages of a day
  Refusals,     // account → submission/refusal_book's text of what was refused lately
};

inline constexpr std::size_t kNotebookMapOctets = 512U << 20;  // address space: 100,000 policies of a few KiB at most

class Notebook {
 public:
  // In data_dir's folder "notebook", which is made. Makes its thread now; std::system_error where there is none to spare.
  static Result<std::unique_ptr<Notebook>> open(const std::filesystem::path& data_dir);

  // Any thread. A key has 1 to 500 octets; others are never there.
  Result<std::optional<std::string>> find(NotebookTable table, std::string_view key) const;
  // The next keys behind `after` that begin with `prefix`, with their values, in order.
  using Rows = std::vector<std::pair<std::string, std::string>>;
  Result<Rows> list(NotebookTable table, std::string_view prefix, std::string_view after, std::size_t limit) const;
  // Soon, on a thread of its own; what cannot be written is lost, with nobody waiting for it.
  void put_later(NotebookTable table, std::string key, std::string value);
  void erase_later(NotebookTable table, std::string key);
  void erase_prefix_later(NotebookTable table, std::string prefix);

 private:
  explicit Notebook(std::unique_ptr<lmdb::LmdbEnvironment> environment);

  std::unique_ptr<lmdb::LmdbEnvironment> environment_;
  std::unique_ptr<lmdb::CommitQueue> commits_;  // ends before the environment does
};

}  // namespace postern::store
