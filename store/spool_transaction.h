// A write transaction of the spool with the running totals, which each batch reads once and writes once.
#pragma once

#include "store/codec.h"
#include "store/commit_queue.h"

#include <string>

namespace postern::store {

struct SpoolTransaction {
  WriteTransaction& transaction;
  SpoolTotals& totals;
  std::string& buffer;  // for encoding; no one's between two calls
};

// On the commit thread, around each batch.
class SpoolFrame final : public BatchFrame {
 public:
  Result<void> open(WriteTransaction& transaction) override;
  Result<void> close(WriteTransaction& transaction) override;

  // Inside a batch.
  SpoolTransaction of(WriteTransaction& transaction) { return {transaction, totals_, buffer_}; }

 private:
  SpoolTotals totals_;
  SpoolTotals stored_;
  std::string buffer_;
};

Result<SpoolTotals> load_totals(Transaction& transaction);

}  // namespace postern::store
