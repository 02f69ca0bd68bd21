"""The tests of scikit-learn that taut's drop-ins fail, by file and by reason; the plugin lets them run, and fail they must.

A name without brackets stands for all parameters of a test; with them, for those whose id contains what they hold.
"""

PRIVATE = "asks a private attribute of scikit-learn's estimator, or mocks a class that it calls"
ONE_PASS = "wants a failure after one pass of scikit-learn's solver: the columns are orthogonal, and one of taut's is exact"
NEAR_START = "wants fewer epochs from a near start: taut's descent needs as many, 31"
SAME_STEPS = "wants two fits of some iterations to be bit for bit one of twice as many: extrapolation and Hessians begin anew"
NO_ITERATIONS = (
    "n_iter_ of a ridge is None, as scikit-learn's own is where a closed form is used, which is always"
)
CONVERGES = "wants a warning after 10 evaluations: taut has met tol after 8 of them"
FALLBACK = "solver_='newton-cholesky' turns into 'lbfgs' and warns in its name: taut's steps do not fail on such a Hessian"
THEIR_TOLERANCE = (
    "compares with scikit-learn's own estimator or function, which stops further from the optimum than taut"
)
IN_PLACE = "wants X overwritten, or rows in C order misread, where check_input=False"
REFUSED_EARLIER = "wants the sentence of a fit that overflowed: taut refuses such X before it, and says which number is too large"
ONE_OPTIMUM = "wants another solution from another random_state: there is one optimum, and it is reached"
CALLBACKS = "callbacks at iterations of lbfgs, which there are none of: set_callbacks warns of it"
ANY_SOLVER = "wants arrays of other libraries refused by solvers that scikit-learn has for NumPy alone: taut fits them all"

EXCLUSIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "test_coordinate_descent.py": {
        NEAR_START: ("test_warm_start_convergence_with_regularizer_decrement",),
        SAME_STEPS: ("test_warm_start",),
        THEIR_TOLERANCE: (
            "test_1d_multioutput_enet_and_multitask_enet_cv",
            "test_1d_multioutput_lasso_and_multitask_lasso_cv",
        ),
        IN_PLACE: ("test_check_input_false", "test_enet_copy_X_False_check_input_False"),
        PRIVATE: ("test_lassoCV_does_not_set_precompute",),
        REFUSED_EARLIER: ("test_enet_nonfinite_params",),
    },
    "test_sparse_coordinate_descent.py": {},
    "test_ridge.py": {
        NO_ITERATIONS: ("test_n_iter",),
        ONE_PASS: ("test_lbfgs_solver_error",),
        ANY_SOLVER: ("test_array_api_error_and_warnings_for_solver_parameter[torch",),
    },
    "test_logistic.py": {
        SAME_STEPS: (
            "test_warm_start_newton_solver[1-True",
            "test_warm_start_newton_solver[1-False",
            "test_warm_start_newton_solver[inf-True",
        ),
        FALLBACK: ("test_newton_cholesky_fallback_to_lbfgs",),
        ONE_OPTIMUM: ("test_liblinear_dual_random_state",),
        THEIR_TOLERANCE: ("test_logistic_cv_multinomial_score[neg_log_loss",),
        CALLBACKS: ("test_logistic_regression_callback_support",),
    },
    "test_mlp.py": {
        CONVERGES: ("test_lbfgs_classification_maxfun[X1-y1",),
        PRIVATE: ("test_gradient",),
        REFUSED_EARLIER: ("test_nonfinite_params",),
    },
}
