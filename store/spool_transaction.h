// A write transaction of the spool with what is written once a batch: the running totals, which it reads once, too, and the marks
// of messages that still arrive.
#pragma once

#include "lmdb/commit_queue.h"
#include "store/codec.h"
#include "store/mail_shares.h"
#include "store/space_guard.h"

#include <string>
#include <vector>

namespace postern::store {

// Messages whose content begins to be stored with this batch and that no commit owns yet: all but those that are committed in the
// same batch get a row in the table Open. A row that came and went would leave a page behind, which LMDB writes all the same.
class OpenMarks {
 public:
  void add(const MessageId& id) { new_.push_back(id); }
  // Of this batch or of an earlier one. False: it was not marked.
  Result<bool> remove(WriteTransaction& transaction, const MessageId& id);
  Result<void> write(WriteTransaction& transaction) const;
  void clear() { new_.clear(); }

 private:
  std::vector<MessageId> new_;  // a batch is bounded: lmdb::kBatchOctets hold 258 chunks
};

struct SpoolTransaction {
  WriteTransaction& transaction;
  SpoolTotals& totals;
  OpenMarks& open_marks;
  SpaceGuard& space;
  TestMail& test_mail;
  std::string& buffer;  // for encoding; no one's between two calls
};

// On the commit thread, around each batch.
class SpoolFrame final : public lmdb::BatchFrame {
 public:
  // Both outlive the frame.
  SpoolFrame(SpaceGuard& space, OpenContent& open_content)
      : space_(space), open_content_(open_content), test_mail_(space.capacity()) {}
  Result<void> open(WriteTransaction& transaction) override;
  Result<void> close(WriteTransaction& transaction) override;
  void committed() override { test_mail_.commit_batch(); }

  // Inside a batch.
  SpoolTransaction of(WriteTransaction& transaction) { return {transaction, totals_, open_marks_, space_, test_mail_, buffer_}; }

 private:
  SpaceGuard& space_;
  OpenContent& open_content_;
  TestMail test_mail_;
  SpoolTotals totals_;
  SpoolTotals stored_;
  OpenMarks open_marks_;
  std::string buffer_;
};

Result<SpoolTotals> load_totals(Transaction& transaction);

}  // namespace postern::store
