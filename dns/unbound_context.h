// One libunbound context with its thread and its cache: set up once, asked, and left behind when the
// machine's name servers change. For dns/unbound_resolver only, on its thread.
#pragma once

#include "core/result.h"
#include "dns/records.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

struct ub_ctx;
struct ub_result;

namespace postern::dns {

class UnboundContext {
 public:
  // Makes libunbound's thread; std::system_error where there is none to spare. ResolveFailed. A server
  // of `servers` that is no address is passed over where `is_lenient`.
  static Result<std::unique_ptr<UnboundContext>> open(const std::vector<std::string>& servers,
                                                      bool is_lenient, const std::string& anchor_file);
  ~UnboundContext();  // waits for libunbound's thread, which ends at once
  UnboundContext(const UnboundContext&) = delete;
  UnboundContext& operator=(const UnboundContext&) = delete;

  // Calls `callback` from process(), with `argument`; not at all where this fails, or ends before.
  using Callback = void (*)(void* argument, int error, ub_result* result);
  Result<void> start(const std::string& name, Type type, void* argument, Callback callback);
  // Readable: process() has answers to give.
  int descriptor() const;
  void process();

 private:
  explicit UnboundContext(ub_ctx* context) : context_(context) {}
  ub_ctx* context_;
};

// Takes `result`, which is null on an error.
RawAnswer take_unbound_answer(int error, ub_result* result);

}  // namespace postern::dns
