// The spool's totals and open marks around a batch.
#include "store/spool_transaction.h"

#include "store/schema.h"
#include "store/spool_content.h"
#include "store/tables.h"

#include <algorithm>

namespace postern::store {

Result<bool> OpenMarks::remove(WriteTransaction& transaction, const MessageId& id) {
  const auto found = std::find(new_.begin(), new_.end(), id);
  if (found == new_.end()) return unmark_open(transaction, id);
  new_.erase(found);
  return true;
}

Result<void> OpenMarks::write(WriteTransaction& transaction) const {
  for (const MessageId& id : new_) {
    if (Result<void> marked = mark_open(transaction, id); !marked) return marked;
  }
  return {};
}

Result<void> SpoolFrame::open(WriteTransaction& transaction) {
  open_marks_.clear();
  space_.begin_batch();
  open_content_.set_capacity(space_.capacity());
  test_mail_.set_capacity(space_.capacity());
  test_mail_.begin_batch();
  Result<SpoolTotals> totals = load_totals(transaction);
  if (!totals) return totals.error();
  totals_ = stored_ = *totals;
  return {};
}

Result<void> SpoolFrame::close(WriteTransaction& transaction) {
  if (Result<void> written = open_marks_.write(transaction); !written) return written;
  if (totals_ == stored_) return {};
  encode(totals_, buffer_);
  return WritableTable(transaction, SpoolTable::Meta).put(kTotalsKey, buffer_);
}

Result<SpoolTotals> load_totals(Transaction& transaction) {
  Result<std::optional<std::string_view>> record = Table(transaction, SpoolTable::Meta).find(kTotalsKey);
  if (!record) return record.error();
  if (!*record) return SpoolTotals{};  // a new spool
  return decode<SpoolTotals>(**record);
}

}  // namespace postern::store
