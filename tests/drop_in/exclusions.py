"""The tests of scikit-learn that do not apply to drop-ins, by file and by reason.

A name without brackets stands for all parameters of a test; with them, for those whose id contains what they hold.
"""

PRIVATE = "asks scikit-learn's private functions or attributes, or replaces them by mocks"
ITERATIONS = "counts iterations of scikit-learn's solver, or wants it to fail at a small max_iter"
GRAM = "the Gram matrix that is passed in is not used: taut makes its own"
THEIR_TOLERANCE = "compares with scikit-learn's own estimator, which stops earlier than taut"
IN_PLACE = "wants X overwritten, or y of another dtype refused, where check_input=False"
WORDING = "the sentence of an error: data too large to square are refused, and it is said which"
SAME_BY_DESIGN = "wants solvers or seeds to differ that all give the one optimum here"
ONE_BY_ONE = "wants every coefficient to 1e-5 of itself; a gap of 1e-13 leaves 1e-6 of the largest"
SLOW = "takes half a minute: descent within a box on nearly collinear columns, to digits that its laws check elsewhere"
ARRAY_API = "arrays of other libraries and devices"
CALLBACKS = "scikit-learn's callbacks"

EXCLUSIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "test_coordinate_descent.py": {
        ITERATIONS: (
            "test_warm_start_convergence_with_regularizer_decrement",
            "test_enet_coordinate_descent_raises_convergence",
            "test_sparse_input_convergence_warning",
        ),
        GRAM: ("test_elasticnet_precompute_incorrect_gram", "test_overridden_gram_matrix"),
        THEIR_TOLERANCE: (
            "test_1d_multioutput_enet_and_multitask_enet_cv",
            "test_1d_multioutput_lasso_and_multitask_lasso_cv",
            "test_enet_l1_ratio",
        ),
        IN_PLACE: ("test_check_input_false", "test_enet_copy_X_False_check_input_False"),
        PRIVATE: ("test_lassoCV_does_not_set_precompute",),
        WORDING: ("test_enet_nonfinite_params",),
    },
    "test_sparse_coordinate_descent.py": {ITERATIONS: ("test_sparse_enet_coordinate_descent",)},
    "test_ridge.py": {
        ITERATIONS: ("test_n_iter", "test_lbfgs_solver_error"),
        SLOW: ("test_lbfgs_solver_consistency[0.001", "test_lbfgs_solver_consistency[0.01"),
        ARRAY_API: (
            "test_ridge_array_api_compliance",
            "test_ridge_classifier_multilabel_array_api",
            "test_ridge_per_target_alpha_array_api",
        ),
    },
    "test_logistic.py": {
        ITERATIONS: (
            "test_max_iter",
            "test_warm_start",
            "test_zero_max_iter",
            "test_newton_cholesky_fallback_to_lbfgs",
        ),
        ONE_BY_ONE: ("test_LogisticRegressionCV_on_folds",),
        SAME_BY_DESIGN: ("test_liblinear_dual_random_state",),
        THEIR_TOLERANCE: ("test_logistic_cv_multinomial_score[neg_log_loss",),
        ARRAY_API: (
            "test_logistic_regression_array_api_compliance",
            "test_logistic_regression_array_api_warm_start",
        ),
        CALLBACKS: (
            "test_logistic_regression_callback_support",
            "test_logistic_regression_callback_fitted_estimator",
            "test_logistic_regression_callback_support_warning",
        ),
    },
    "test_mlp.py": {
        ITERATIONS: ("test_lbfgs_classification_maxfun",),
        PRIVATE: ("test_gradient",),
        WORDING: ("test_nonfinite_params",),
    },
}
