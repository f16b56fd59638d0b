// The spool's totals around a batch.
#include "store/spool_transaction.h"

#include "store/schema.h"
#include "store/table.h"

namespace postern::store {

Result<void> SpoolFrame::open(WriteTransaction& transaction) {
  Result<SpoolTotals> totals = load_totals(transaction);
  if (!totals) return totals.error();
  totals_ = stored_ = *totals;
  return {};
}

Result<void> SpoolFrame::close(WriteTransaction& transaction) {
  if (totals_ == stored_) return {};
  encode_totals(totals_, buffer_);
  return WritableTable(transaction, SpoolTable::Meta).put(kTotalsKey, buffer_);
}

Result<SpoolTotals> load_totals(Transaction& transaction) {
  Result<std::optional<std::string_view>> record = Table(transaction, SpoolTable::Meta).find(kTotalsKey);
  if (!record) return record.error();
  if (!*record) return SpoolTotals{};  // a new spool
  return decode_totals(**record);
}

}  // namespace postern::store
