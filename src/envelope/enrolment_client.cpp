#include <algorithm>

#include "enrolment_frames.hpp"
#include "p2pdist/base/assert.hpp"
#include "p2pdist/envelope/renewal.hpp"

namespace p2pdist {

using namespace detail;

class enrolment_client::core {
public:
    core(const crypto_suite& crypto, entropy& random, node_identity self, enrolment_client_config config)
        : crypto_(&crypto), random_(&random), self_(std::move(self)), config_(std::move(config)) {
        P2PDIST_ASSERT(config_.client_info.size() <= limits::enrolment_opaque_bytes_max);
    }

    void start(time_point now) {
        outcome.reset();
        mismatch_.reset();
        wrong_key_ = false;
        ephemeral_ = random_->array<32>();
        nonce_ = random_->array<16>();
        hello_ = make_enrol_hello(*crypto_, config_.enrolment_key, config_.versions, nonce_, crypto_->x25519_public(ephemeral_));
        stage_ = stage::greeted;
        begin_sending(now, hello_);
    }

    void on_datagram(time_point now, wall_time wall, const received_datagram& datagram) {
        if (stage_ == stage::idle || datagram.from != config_.way.remote) return;
        const auto type = frame_type_of(datagram.payload);
        if (type == frame_type::version_refused) on_version_refused(datagram.payload);
        if (type == frame_type::enrol_answer && stage_ == stage::greeted) on_answer(now, datagram.payload);
        if (type == frame_type::enrol_grant && stage_ == stage::requested) on_grant(wall, datagram.payload);
    }

    std::optional<send_datagram> poll() {
        if (!waiting_) return std::nullopt;
        waiting_ = false;
        return send_datagram::over(config_.way, sending_);
    }

    void on_timer(time_point now) {
        if (now < deadline) return;
        if (attempts_ < limits::enrolment_attempts_max) {
            transmit(now);
        } else {
            finish(no_answer());
        }
    }

    error no_answer() const {
        const auto where = config_.way.remote.to_string();
        if (mismatch_) return version_error("this client", config_.versions, "the server", *mismatch_);
        if (wrong_key_) return {errc::not_authorised, "the server at " + where + " has another enrolment key: check the one given here"};
        return {errc::timed_out, "no answer from the server at " + where + ": check its address, its UDP port, and the enrolment key"};
    }

    std::optional<result<enrolment_grant>> outcome;
    time_point deadline = never;

private:
    enum class stage { idle, greeted, requested };

    void begin_sending(time_point now, bytes data) {
        sending_ = std::move(data);
        attempts_ = 0;
        transmit(now);
    }

    void transmit(time_point now) {
        auto wait = duration(limits::enrolment_retry_first);
        for (int i = 0; i < attempts_; ++i) wait = std::min<duration>(2 * wait, limits::enrolment_retry_max);
        ++attempts_;
        waiting_ = true;
        // Up to a fifth more, so that devices switched on together don't go on together.
        deadline = now + wait + wait * nonce_[static_cast<std::size_t>(attempts_) % nonce_.size()] / (5 * 256);
    }

    void on_version_refused(byte_span data) {
        const auto frame = decode_version_refusal(data);
        if (frame && frame->nonce == nonce_ && !common_version(config_.versions, frame->versions)) mismatch_ = frame->versions;
    }

    void on_answer(time_point now, byte_span data) {
        const auto start = decode_enrol_start(data, frame_type::enrol_answer);
        if (!start || start->nonce != nonce_) return;
        // Not authenticated, hence only a hint, which counts when nothing better comes.
        if (data.size() == enrol_wrong_key_bytes && start->version == 0) wrong_key_ = true;
        const auto theirs = open_enrol_answer(*crypto_, config_.enrolment_key, hello_, data);
        if (!theirs || start->version < config_.versions.min || start->version > config_.versions.max) return;
        const auto ephemeral_shared = crypto_->x25519_shared(ephemeral_, *theirs);
        const auto static_shared = crypto_->x25519_shared(self_.secret, *theirs);
        if (!ephemeral_shared || !static_shared) return;
        const auto keys =
            derive_enrolment(*crypto_, config_.enrolment_key, *ephemeral_shared, *static_shared, crypto_->sha256({hello_, data}));
        ephemeral_ = {};
        grant_key_ = keys.grant;

        bytes request;
        encode(enrol_start{frame_type::enrol_request, start->version, nonce_}, request);
        request.insert(request.end(), self_.key.begin(), self_.key.end());
        const auto sealed = seal_box(*crypto_, keys.request, request, config_.client_info);
        request.insert(request.end(), sealed.begin(), sealed.end());
        stage_ = stage::requested;
        begin_sending(now, std::move(request));
    }

    void on_grant(wall_time wall, byte_span data) {
        const auto start = decode_enrol_start(data, frame_type::enrol_grant);
        if (!start || start->nonce != nonce_) return;
        const auto plain = open_box(*crypto_, grant_key_, data.first(enrol_grant_fixed_bytes), data.subspan(enrol_grant_fixed_bytes));
        if (!plain) return;
        auto verdict = decode_verdict(*plain);
        if (!verdict) return finish({errc::malformed, "the server's answer to the enrolment cannot be read: update the older side"});
        if (verdict->has_value()) {
            if (auto problem = problem_of(*crypto_, **verdict, self_, wall)) return finish(std::move(*problem));
        }
        finish(std::move(*verdict));
    }

    void finish(result<enrolment_grant> how) {
        outcome = std::move(how);
        stage_ = stage::idle;
        deadline = never;
        waiting_ = false;
        ephemeral_ = {};
        grant_key_ = {};
    }

    const crypto_suite* crypto_;
    entropy* random_;
    node_identity self_;
    enrolment_client_config config_;
    stage stage_ = stage::idle;
    secret_key ephemeral_{};
    secret_key grant_key_{};
    enrolment_nonce nonce_{};
    bytes hello_;
    bytes sending_;
    int attempts_ = 0;
    bool waiting_ = false;  // sending_ is to be polled
    bool wrong_key_ = false;
    std::optional<version_range> mismatch_;
};

enrolment_client::enrolment_client(const crypto_suite& crypto, entropy& random, node_identity self, enrolment_client_config config)
    : core_(std::make_unique<core>(crypto, random, std::move(self), std::move(config))) {}
enrolment_client::~enrolment_client() = default;
enrolment_client::enrolment_client(enrolment_client&&) noexcept = default;
enrolment_client& enrolment_client::operator=(enrolment_client&&) noexcept = default;

void enrolment_client::start(time_point now) { core_->start(now); }
void enrolment_client::on_datagram(time_point now, wall_time wall, const received_datagram& datagram) {
    core_->on_datagram(now, wall, datagram);
}
std::optional<send_datagram> enrolment_client::poll() { return core_->poll(); }
time_point enrolment_client::deadline() const noexcept { return core_->deadline; }
void enrolment_client::on_timer(time_point now) { core_->on_timer(now); }
const std::optional<result<enrolment_grant>>& enrolment_client::outcome() const noexcept { return core_->outcome; }
error enrolment_client::suspicion() const { return core_->no_answer(); }

}  // namespace p2pdist
