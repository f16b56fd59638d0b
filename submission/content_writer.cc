#include "submission/content_writer.h"

#include "core/bytes.h"
#include "net/await_completion.h"
#include "smtp/trace_header.h"
#include "submission/message_fixups.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace postern::submission {
namespace {

// Reads what a writer has taken, its first `skip` octets left out; the writer is flushed.
class WrittenContent {
 public:
  WrittenContent(const store::Spool& spool, const store::MessageWriter& writer, std::size_t skip)
      : spool_(spool), writer_(writer), skip_(skip) {}

  bool is_over() const { return index_ > writer_.streamed_chunks(); }
  Result<std::string> next() {
    const std::uint32_t index = index_++;
    Result<std::string> chunk = index < writer_.streamed_chunks()
                                    ? spool_.read_chunk(writer_.id(), index)
                                    : Result<std::string>(std::string(writer_.held()));
    if (!chunk) return chunk;
    const std::size_t skipped = std::min(skip_, chunk->size());
    skip_ -= skipped;
    chunk->erase(0, skipped);
    return chunk;
  }

 private:
  const store::Spool& spool_;
  const store::MessageWriter& writer_;
  std::size_t skip_;
  std::uint32_t index_ = 0;
};

}  // namespace

ContentWriter::ContentWriter(const SubmissionContext& context, const Submitter& submitter,
                             const TraceFacts& trace, const AccountId& account)
    : context_(context),
      submitter_(submitter),
      trace_(trace),
      account_(account),
      opened_at_(context.clock.now()) {
  open();
}

void ContentWriter::open() {
  writer_ =
      context_.store.spool().open_message(make_message_id(opened_at_, context_.random), account_);
}

void ContentWriter::begin(const mime::HeaderScan& header) {
  const std::string section = write_trace(header);
  begin_signing(header);
  append(section);
  is_header_eight_bit_ = is_eight_bit_;
  append(header.body_start());
}

// Returns the header section that goes below it.
std::string ContentWriter::write_trace(const mime::HeaderScan& header) {
  const std::string id = format_message_id(writer_->id());
  const SubmissionSettings& settings = context_.settings;
  std::optional<smtp::TraceHeader::Client> shown;
  if (settings.shows_client) shown = {.helo_name = trace_.helo_name, .address = submitter_.address};
  const std::string trace = smtp::format_trace_header({.client = shown,
                                                       .hostname = settings.hostname,
                                                       .protocol = trace_.protocol,
                                                       .message_id = id,
                                                       .tls = trace_.tls,
                                                       .at = opened_at_});
  trace_octets_ = static_cast<std::uint32_t>(trace.size());
  writer_->append(trace);
  const bool folds = settings.long_lines != LongLines::Pass;
  std::string unsubscribe_fields;
  if (offer_) {
    offer_->message = writer_->id();
    unsubscribe_fields = context_.unsubscribe_links.fields_of(*offer_);
  }
  FixedHeader fixed = fixed_header(header, {.message_id = id,
                                            .hostname = settings.hostname,
                                            .now = opened_at_,
                                            .folds = folds,
                                            .unsubscribe_fields = unsubscribe_fields});
  header_octets_ = fixed.section.size();
  header_message_id_ = std::move(fixed.message_id);
  return std::move(fixed.section);
}

void ContentWriter::begin_signing(const mime::HeaderScan& header) {
  if (context_.signer == nullptr) return;
  auto signing = context_.signer->open(account_, header);
  if (signing) {
    signing_ = std::move(*signing);
  } else {
    signing_failure_ = signing.error();
  }
}

std::string ContentWriter::finish_signing() {
  if (!signing_) return {};
  auto fields = signing_->finish();
  signing_.reset();
  if (fields) return std::move(*fields);
  signing_failure_ = fields.error();
  return {};
}

bool ContentWriter::append(std::string_view content) {
  if (content.empty()) return true;
  is_eight_bit_ = is_eight_bit_ || has_high_octet(content);
  if (signing_) signing_->append(content);
  return writer_->append(content);
}

net::Awaitable<void> ContentWriter::drain() {
  store::MessageWriter* writer = writer_.get();
  // An error shows again at commit, which then fails.
  const Result<void> ignored =
      co_await net::await_completion([writer](Completion done) { writer->drain(std::move(done)); });
  static_cast<void>(ignored);
}

net::Awaitable<Result<bool>> ContentWriter::mend_long_lines(const mime::HeaderScan& header) {
  store::MessageWriter* const written = writer_.get();
  const Result<void> flushed = co_await net::await_completion(
      [written](Completion done) { written->flush(std::move(done)); });
  if (!flushed) co_return flushed.error();
  // A turn for others after each chunk: this is work on an I/O thread.
  const net::Executor executor = co_await net::asio::this_coro::executor;
  mime::LineMender mender;
  std::string nothing;
  for (WrittenContent content(context_.store.spool(), *written, trace_octets_);
       !content.is_over();) {
    const Result<std::string> chunk = content.next();
    if (!chunk) co_return chunk.error();
    mender.feed(*chunk, nothing);
    co_await net::asio::post(executor, net::kAwait);
  }
  mender.finish(nothing);
  if (!mender.is_needed()) co_return false;
  mender.begin_writing();
  const std::unique_ptr<store::MessageWriter> as_it_came = std::move(writer_);
  const Result<void> rewritten = co_await rewrite(*as_it_came, header, mender);
  if (!rewritten) co_return rewritten.error();
  co_return true;
}

net::Awaitable<Result<void>> ContentWriter::rewrite(const store::MessageWriter& as_it_came,
                                                    const mime::HeaderScan& header,
                                                    mime::LineMender& mender) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  WrittenContent content(context_.store.spool(), as_it_came, trace_octets_ + header_octets_);
  signing_.reset();
  is_eight_bit_ = false;
  open();
  const std::string section = write_trace(header);
  begin_signing(header);
  std::string out;
  mender.feed(section, out);
  while (true) {
    const bool has_room = append(out);
    if (!has_room) co_await drain();
    out.clear();
    if (content.is_over()) co_return Result<void>();
    const Result<std::string> chunk = content.next();
    if (!chunk) co_return chunk.error();
    mender.feed(*chunk, out);
    if (content.is_over()) mender.finish(out);
    co_await net::asio::post(executor, net::kAwait);
  }
}

}  // namespace postern::submission
